"""What mobility publishes: the declared result of each measure, and the people that counts are scaled to."""

from commonweal.mobility.measure import measures
from commonweal.mobility.quality import publishing
from commonweal.mobility.scaling.populations import DATASET as POPULATION

DATASETS = (
    *(measure.dataset for measure in measures().values()),
    publishing.DATASET,
    *(measure.private for measure in measures().values() if measure.private),
    POPULATION,
)
