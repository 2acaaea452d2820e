"""`python -m ecomops` is the command `ecomops`."""

import sys

from ecomops.cli import main

sys.exit(main())
