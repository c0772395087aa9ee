"""Looking after what was sent: verify, adopt, undo and resolve, each carried out as a run under the job's lock."""
