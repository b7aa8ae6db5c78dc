"""The tables of the truth, written as Parquet while days go by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from commonweal.demo.cells import Network, Outage
from commonweal.demo.geography import Geography
from commonweal.demo.operators import Operator, country_of_mcc
from commonweal.demo.people import CLASSES, DEVICES, People, Relocation
from commonweal.demo.trips import PURPOSES
from commonweal.demo.truth import HOURS, Present, Seen, Trips

MOMENT = pa.timestamp("s", tz="UTC")
RELOCATIONS = ("none", "displaced", "travelling", "abroad")


class Clock:
    """Seconds of the period as UTC moments.

    Parameters
    ----------
    epoch
        UTC second at which the period starts; its zone keeps one offset throughout.
    """

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def moments(self, seconds: Any, none: NDArray[np.bool_] | None = None) -> pa.Array:
        """Give seconds of the period as moments, null where `none` is true."""
        return pa.array(np.asarray(seconds, np.int64) + self.epoch, mask=none).cast(MOMENT)


class TruthTables:
    """The folder of truth tables; `day` adds to those that grow, `close` completes them."""

    def __init__(self, folder: Path, geography: Geography, clock: Clock) -> None:
        folder.mkdir(parents=True)
        self._folder, self._geography, self._clock = folder, geography, clock
        self._codes = np.array(list(geography.areas.codes), dtype=object)
        self._writers: dict[str, pq.ParquetWriter] = {}

    def write(self, name: str, table: pa.Table) -> None:
        """Append rows to a table."""
        if name not in self._writers:
            self._writers[name] = pq.ParquetWriter(self._folder / f"{name}.parquet", table.schema, compression="zstd")
        self._writers[name].write_table(table)

    def close(self) -> None:
        """Complete every table."""
        for writer in self._writers.values():
            writer.close()

    def area(self, index: Any) -> pa.Array:
        """Codes of areas by index, null for -1."""
        index = np.asarray(index, np.int32)
        return pa.DictionaryArray.from_arrays(pa.array(index, mask=index < 0), pa.array(self._codes, pa.string()))

    def presence(self, day: int, there: Present, shown: Seen) -> None:
        """Write who was in each area in each hour of a day and in the day."""
        areas = len(self._codes)
        hours = np.repeat(np.arange(HOURS), areas)
        kept = (there.hour_people + shown.hour_people > 0).ravel()
        of_day = there.day_people + shown.day_people > 0
        start = np.concatenate([day * 86400 + hours[kept] * 3600, np.full(int(of_day.sum()), day * 86400)])
        area = np.concatenate([np.tile(np.arange(areas), HOURS)[kept], np.flatnonzero(of_day)])

        def column(by_hour: NDArray[Any], by_day: NDArray[Any]) -> pa.Array:
            return pa.array(np.rint(np.concatenate([by_hour.ravel()[kept], by_day[of_day]])).astype(np.int64))

        self.write(
            "presence",
            pa.table(
                {
                    "area": self.area(area),
                    "period": pa.array(["hour"] * int(kept.sum()) + ["day"] * int(of_day.sum())),
                    "start": self._clock.moments(start),
                    "people": column(there.hour_people, there.day_people),
                    "subscribers": column(there.hour_subscribers, there.day_subscribers),
                    "population": column(there.hour_population, there.day_population),
                    "people_seen": column(shown.hour_people, shown.day_people),
                    "subscribers_seen": column(shown.hour_subscribers, shown.day_subscribers),
                }
            ),
        )
        origin, destination = np.nonzero(there.flow_people + shown.flow_subscribers)
        self.write(
            "flows",
            pa.table(
                {
                    "origin": self.area(origin),
                    "destination": self.area(destination),
                    "start": self._clock.moments(np.full(len(origin), day * 86400)),
                    "people": there.flow_people[origin, destination],
                    "subscribers": there.flow_subscribers[origin, destination],
                    "subscribers_seen": shown.flow_subscribers[origin, destination],
                }
            ),
        )

    def trips(self, day: int, trips: Trips, foreign: Sequence[Operator], elsewhere: Relocation, plmns: int) -> None:
        """Write the trips of a day, and those of them that cross a border."""
        start = day * 86400
        self.write(
            "trips",
            pa.table(
                {
                    "person": trips.person,
                    "depart": self._clock.moments(start + trips.depart),
                    "arrive": self._clock.moments(start + trips.arrive),
                    "origin": self.area(trips.origin),
                    "destination": self.area(trips.destination),
                    "distance_km": pa.array(trips.km.astype(np.float32), mask=np.isnan(trips.km)),
                    "purpose": pa.DictionaryArray.from_arrays(trips.purpose, pa.array(PURPOSES)),
                }
            ),
        )
        names = np.array([c.code for c in self._geography.countries] + [o.country for o in foreign], dtype=object)
        abroad = len(self._geography.countries) + np.maximum(elsewhere.network[trips.person] - plmns, 0)

        def country(area: NDArray[np.int32]) -> NDArray[Any]:
            return np.where(area >= 0, self._geography.country[np.maximum(area, 0)], abroad)

        came, went = country(trips.origin), country(trips.destination)
        crossed = came != went
        self.write(
            "crossings",
            pa.table(
                {
                    "person": trips.person[crossed],
                    "depart": self._clock.moments(start + trips.depart[crossed]),
                    "arrive": self._clock.moments(start + trips.arrive[crossed]),
                    "from_country": pa.array(names[came[crossed]], pa.string()),
                    "to_country": pa.array(names[went[crossed]], pa.string()),
                    "origin": self.area(trips.origin[crossed]),
                    "destination": self.area(trips.destination[crossed]),
                }
            ),
        )

    def inhabitants(
        self,
        people: People,
        elsewhere: Relocation,
        plmns: Sequence[str],
        days: int,
    ) -> None:
        """Write people, subscribers, homes and the displaced."""
        end = days * 86400
        number = np.arange(len(people.lon), dtype=np.int32)
        countries = np.array([country.code for country in self._geography.countries], dtype=object)
        home_country = countries[self._geography.country[people.area]]
        code_of = np.array([country_of_mcc(plmn[:3]) for plmn in plmns], dtype=object)
        visitor = people.is_visitor
        home_country[visitor] = code_of[people.sim_plmn[people.first_sim[:-1]][visitor]]
        self.write(
            "people",
            pa.table(
                {
                    "person": number,
                    "class": pa.DictionaryArray.from_arrays(people.kind, pa.array(CLASSES)),
                    "country": pa.array(home_country, pa.string()),
                    "area": self.area(people.area),
                    "lon": people.lon,
                    "lat": people.lat,
                    "work_area": self.area(people.work_area),
                    "work_lon": pa.array(people.work_lon, from_pandas=True),
                    "work_lat": pa.array(people.work_lat, from_pandas=True),
                    "stands_for": people.weight,
                    "sim_elsewhere": people.elsewhere,
                    "arrives": self._clock.moments(people.arrives, people.arrives <= 0),
                    "leaves": self._clock.moments(people.leaves, people.leaves >= end),
                }
            ),
        )
        msisdn = pa.array(people.sim_number).cast(pa.string())
        tacs = np.array([tac for tac, *_ in DEVICES], dtype=object)
        self.write(
            "subscribers",
            pa.table(
                {
                    "msisdn": msisdn,
                    "person": people.sim_person,
                    "home_plmn": pa.array(np.array(plmns, dtype=object)[people.sim_plmn], pa.string()),
                    "tac": pa.array(tacs[people.sim_device], pa.string()),
                    "events_per_day": people.sim_rate,
                    "starts": self._clock.moments(people.sim_starts, people.sim_starts <= 0),
                    "ends": self._clock.moments(people.sim_ends, people.sim_ends >= end),
                }
            ),
        )
        self._homes(people, elsewhere, msisdn, end)
        self._visits(people, home_country, countries, end)

    def _visits(self, people: People, home_country: NDArray[Any], countries: NDArray[Any], end: int) -> None:
        """Write the crossings of visitors who come or go within the period; the way before and after is not known."""
        came = np.flatnonzero(people.is_visitor & (people.arrives > 0))
        went = np.flatnonzero(people.is_visitor & (people.leaves < end))
        who, entries = np.concatenate([came, went]), len(came)
        at = np.concatenate([people.arrives[came], people.leaves[went]])
        here, there = countries[self._geography.country[people.area[who]]], home_country[who]
        enters = np.arange(len(who)) < entries
        self.write(
            "crossings",
            pa.table(
                {
                    "person": who.astype(np.int32),
                    "depart": self._clock.moments(at),
                    "arrive": self._clock.moments(at),
                    "from_country": pa.array(np.where(enters, there, here), pa.string()),
                    "to_country": pa.array(np.where(enters, here, there), pa.string()),
                    "origin": self.area(np.where(enters, -1, people.area[who])),
                    "destination": self.area(np.where(enters, people.area[who], -1)),
                }
            ),
        )

    def _homes(self, people: People, elsewhere: Relocation, msisdn: pa.Array, end: int) -> None:
        first, last = elsewhere.first_day * np.int64(86400), elsewhere.end_day * np.int64(86400)
        away = (elsewhere.kind > 0) & (first < end)
        person = people.sim_person
        left = np.where(away, np.maximum(first, 0), end)[person]
        back = np.where(away, np.minimum(last, end), end)[person]
        starts, ends = people.sim_starts.astype(np.int64), people.sim_ends.astype(np.int64)
        parts = []
        for kind, begin, finish, lon, lat, area in (
            (-1, starts, np.minimum(ends, left), people.lon, people.lat, people.area),
            (0, np.maximum(starts, left), np.minimum(ends, back), elsewhere.lon, elsewhere.lat, elsewhere.area),
            (-1, np.maximum(starts, back), ends, people.lon, people.lat, people.area),
        ):
            valid = np.flatnonzero(begin < finish)
            whose = person[valid]
            lived = np.where(people.is_visitor, 4, 0) if kind < 0 else elsewhere.kind
            parts.append(
                pa.table(
                    {
                        "msisdn": msisdn.take(pa.array(valid)),
                        "person": whose,
                        "kind": pa.DictionaryArray.from_arrays(
                            lived[whose].astype(np.int8), pa.array(("resident", *RELOCATIONS[1:], "visitor"))
                        ),
                        "area": self.area(area[whose]),
                        "lon": pa.array(lon[whose], from_pandas=True),
                        "lat": pa.array(lat[whose], from_pandas=True),
                        "valid_from": self._clock.moments(begin[valid]),
                        "valid_to": self._clock.moments(finish[valid]),
                    }
                )
            )
        self.write("homes", pa.concat_tables(parts))
        moved = np.flatnonzero((elsewhere.kind == 1) & away)
        self.write(
            "displaced",
            pa.table(
                {
                    "person": moved.astype(np.int32),
                    "origin": self.area(people.area[moved]),
                    "destination": self.area(elsewhere.area[moved]),
                    "lon": elsewhere.lon[moved],
                    "lat": elsewhere.lat[moved],
                    "left": self._clock.moments(first[moved]),
                    "returned": self._clock.moments(last[moved], last[moved] >= end),
                }
            ),
        )

    def network(self, network: Network, outages: Sequence[Outage]) -> None:
        """Write the outages, one row a cell, and the moves."""
        cells_of: dict[int, list[int]] = {}
        for cell, site in enumerate(network.site):
            cells_of.setdefault(int(site), []).append(cell)
        rows = [(cell, outage) for outage in outages for cell in cells_of[outage.site]]
        self.write(
            "outages",
            pa.table(
                {
                    "cell": pa.array([network.identifiers[cell] for cell, _ in rows], pa.string()),
                    "site": pa.array([outage.site for _, outage in rows], pa.int32()),
                    "start": self._clock.moments([outage.start for _, outage in rows]),
                    "end": self._clock.moments([outage.end for _, outage in rows]),
                    "cause": pa.array([outage.cause for _, outage in rows], pa.string()),
                }
            ),
        )
        self.write(
            "moves",
            pa.table(
                {
                    "cell": pa.array([network.identifiers[move.cell] for move in network.moves], pa.string()),
                    "at": self._clock.moments([move.day * 86400 for move in network.moves]),
                    "lon": pa.array([move.lon for move in network.moves], pa.float64()),
                    "lat": pa.array([move.lat for move in network.moves], pa.float64()),
                    "azimuth": pa.array([move.azimuth for move in network.moves], pa.float64(), from_pandas=True),
                }
            ),
        )

    def areas(self, people: People) -> None:
        """Write the areas: how many live there, and how many of them hold a SIM of the sample group."""
        held = np.bincount(people.area[~people.is_visitor], minlength=len(self._codes))
        countries = [self._geography.countries[index].code for index in self._geography.country]
        self.write(
            "areas",
            pa.table(
                {
                    "area": pa.array(self._codes, pa.string()),
                    "name": pa.array(list(self._geography.areas.names), pa.string()),
                    "country": pa.array(countries, pa.string()),
                    "population": np.rint(self._geography.population).astype(np.int64),
                    "people": held,
                }
            ),
        )

    def seen_homes(self, people: People, area: NDArray[np.int32]) -> None:
        """Write the area that most days of a SIM end in, as records show it."""
        known = np.flatnonzero(area >= 0)
        numbers = pa.array(people.sim_number[known]).cast(pa.string())
        self.write("homes_seen", pa.table({"msisdn": numbers, "area": self.area(area[known])}))

    def cases(self, area: NDArray[np.int32], infected: NDArray[Any], infectious: NDArray[Any]) -> None:
        """Write who was infected in the outbreak."""
        who = np.flatnonzero(np.isfinite(infected))
        who = who[np.argsort(infected[who], kind="stable")]
        self.write(
            "cases",
            pa.table(
                {
                    "person": who.astype(np.int32),
                    "area": self.area(area[who]),
                    "infected": self._clock.moments(infected[who] * 86400),
                    "infectious": self._clock.moments(np.rint(infectious[who] * 86400)),
                }
            ),
        )
