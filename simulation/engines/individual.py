def spend(*a): raise SystemExit
