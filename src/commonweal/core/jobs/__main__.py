"""``python -m commonweal.core.jobs``: a worker process, which reads its order from standard input."""

import sys

from commonweal.core.jobs.worker import main

sys.exit(main())
