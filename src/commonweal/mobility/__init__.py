"""Mobility: where people are and how they move, from an operator's records, nobody identifiable.

Events come in through `importing`, are pseudonymised at the door and lie in the private `store`. Derivations and
measures map over its buckets; `service` publishes what `disclosure` has protected.
"""

from types import MappingProxyType

from commonweal.core.domain import Domain
from commonweal.core.wording import Wording

DOMAIN = Domain(
    name="mobility",
    title=Wording("Mobility"),
    summary="From call detail records to safe tables of where people are and how they move.",
    commands="commonweal.mobility.cli:app",
    pages="commonweal.mobility.pages:routes",
    tiles="commonweal.mobility.pages:overview",
    datasets=("commonweal.mobility.datasets:DATASETS",),
    jobs=MappingProxyType(
        {
            "mobility.import": "commonweal.mobility.service:import_job",
            "mobility.run": "commonweal.mobility.service:run_job",
            "mobility.retain": "commonweal.mobility.custody:retain_job",
        }
    ),
    job_titles=MappingProxyType(
        {
            "mobility.import": Wording("Import"),
            "mobility.run": Wording("Run"),
            "mobility.retain": Wording("Erasure of what is old"),
        }
    ),
    areas_of_jobs="commonweal.mobility.projects:areas_of_jobs",
    plans="commonweal.mobility.planning:plans",
    models=("commonweal.mobility.models",),
    migrations="commonweal.mobility:migrations",
    files="commonweal.mobility.backing_up:files",
    refuse_older="commonweal.mobility.backing_up:refuse_older",
)
