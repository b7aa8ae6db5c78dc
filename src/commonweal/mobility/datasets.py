"""What mobility publishes: the declared result of each measure."""

from commonweal.mobility.measure import measures

DATASETS = tuple(measure.dataset for measure in measures().values())
