"""
From an event to what a person is shown, once, where and when they want it.

`catalogue` says what there is to be told, `preferences` how somebody wants it,
`planning` makes notifications and deliveries of events, `releasing` looks at each
delivery again at the last moment, and a `Notifier` carries it out.
"""
