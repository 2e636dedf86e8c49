DELETE FROM session_changes
