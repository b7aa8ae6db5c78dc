"""What mobility publishes: the declared result of each measure."""

from commonweal.mobility.measure import measures
from commonweal.mobility.quality import publishing

DATASETS = (
    *(measure.dataset for measure in measures().values()),
    publishing.DATASET,
    *(measure.private for measure in measures().values() if measure.private),
)
