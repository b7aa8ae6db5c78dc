"""What mobility publishes: the declared result of each measure."""

from commonweal.mobility.measure import measures

DATASETS = (
    *(measure.dataset for measure in measures().values()),
    *(measure.private for measure in measures().values() if measure.private),
)
