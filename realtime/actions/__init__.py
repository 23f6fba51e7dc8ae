"""What people can do: verbs, one file a noun; the rules live here."""
