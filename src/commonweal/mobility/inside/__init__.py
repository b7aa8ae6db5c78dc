"""What is known of single subscribers: for whoever holds a project's keys, on the machine that has them.

These tables are never published, and no page or interface gives them: subscribers are pseudonyms, but where somebody
was tells who they are. A run is planned with `runs.plan`, which opens nothing; its epoch's key is needed here.
"""

from commonweal.mobility.inside.abroad import nights, trips, visits
from commonweal.mobility.inside.living import homes, monthly_permanence, permanence, usual_environment
from commonweal.mobility.inside.recorded import cleaned_events, flag_counts, flagged_events
from commonweal.mobility.inside.staying import stays

__all__ = [
    "cleaned_events",
    "flag_counts",
    "flagged_events",
    "homes",
    "monthly_permanence",
    "nights",
    "permanence",
    "stays",
    "trips",
    "usual_environment",
    "visits",
]
