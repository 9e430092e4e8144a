"""The process behind the panel: ``python -m mactfusion.worker``; see docs/worker_protocol.md."""
