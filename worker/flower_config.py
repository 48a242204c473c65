"""Flower's settings, from ours: `celery -A worker.celery_app flower --conf=worker/flower_config.py`.

A file of settings, so that the password comes by environment and never stands in an argument.
"""

import gc

from flower import urls

from shared import lifeline
from shared.settings import load_settings
from worker import flower_door, flower_history

lifeline.hold()
_settings = load_settings()

address = _settings.flower_host
port = _settings.flower_port
read_only = True
logging = "error"  # until the first worker is up, it warns of every question it asks
_door = flower_door.Door(_settings)
urls.handlers.insert(0, _door.rule)
if _door.credential:
    basic_auth = [_door.credential]

# DATA_DIR/flower.db: what it has seen outlives it, but for the last half minute when it is killed
db = flower_history.place(_settings.data_dir)
persistent = bool(db)
state_save_interval = 30_000
# nothing else is done while it saves: this many take 0.4 s, and 3 MB
max_tasks = 10_000
# workers in containers have a new name at each start
purge_offline_workers = 86_400

tasks_columns = "name,uuid,state,result,received,runtime,worker"
format_task = flower_history.in_words

# what is loaded by now stays: no collection, nor the end of the process, need go through it
gc.freeze()
