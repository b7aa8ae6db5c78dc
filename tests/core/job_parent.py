"""A process that waits for a job, as a command does, or works off the queue; told what by a pickle on its input."""

import json
import pickle
import sys

from commonweal.core.database import connect
from commonweal.core.errors import CommonwealError
from commonweal.core.jobs import launch

if __name__ == "__main__":
    told = pickle.load(sys.stdin.buffer)
    launch.GRACE = told["grace"]
    database = connect(told["settings"])
    try:
        if told["kind"] is None:
            launch.work(told["settings"], database, told["registry"], once=told["parameters"]["once"])
        else:
            result = launch.run_now(
                told["settings"], database, told["kind"], told["parameters"], "os:clerk", told["registry"]
            )
            print(json.dumps(result))
    except CommonwealError as error:
        print(type(error).__name__)
