-- Whether this database keeps count: one that was set up by an older version does not.
SELECT to_regclass('ledger_totals') IS NOT NULL AS is_counted
