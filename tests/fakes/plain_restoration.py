"""A clip straight into its deliverable, in a process that does nothing else: `plain_restoration.py REQUEST`.

REQUEST is JSON. It prints `started` once the model is loaded: what the daemon's worker has in memory from job to job.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from answerprint.api.request import RestoreRequest
from answerprint.media import open_reader, open_writer
from answerprint.pipeline.restore_clip import restore_clip, timed_frames
from answerprint.worker.devices import choose_device, stopwatch
from answerprint.worker.flow_cache import open_flow_cache
from answerprint.worker.loading import configured, flow_through, load_model, settings_for, usual_recipe
from answerprint.worker.mux_job import verify_deliverable
from answerprint.worker.resolved_job import resolve_job


def main() -> None:
    request = RestoreRequest.from_json(json.loads(sys.argv[1]))
    order = resolve_job(request)
    device = choose_device(request.device)
    cache = open_flow_cache()
    backend = load_model(order.entry.name, device)
    sys.stdout.write("started\n")
    sys.stdout.flush()
    settings = settings_for(order, configured(order, backend), usual_recipe(order, backend))
    spec = order.spec()
    with (
        cache.lease(),
        open_writer(Path(request.output), spec) as writer,
        open_reader(order.info, order.frames) as reader,
    ):
        source = timed_frames(reader, stopwatch(device), lambda: None)
        for chunk in restore_clip(source, backend, flow_through(cache), settings):
            for frame in chunk:
                writer.write(frame.picture, frame.alpha)
    verify_deliverable(order, spec)


if __name__ == "__main__":
    main()
