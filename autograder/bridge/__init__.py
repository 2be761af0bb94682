"""The bridge to nbgrader: the only package that imports it."""

import os
import sys
import sysconfig

# nbgrader calls `alembic` by name when it makes a gradebook; without an activated environment it is not found.
_scripts = sysconfig.get_path("scripts")
if _scripts not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join(filter(None, (_scripts, os.environ.get("PATH"))))

# jsonschema would parse a grammar of addresses here, which takes a second; notebooks hold none that it checks.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
