-- The fence: no row where another stream took over. FOR KEY SHARE lets heartbeats pass and holds up a take-over.
SELECT epoch FROM stream_lease WHERE epoch = %(epoch)s FOR KEY SHARE
