"""
Webhooks: the platform is told of domain events, signed as Standard Webhooks has it.

`fanning` makes deliveries of events, `sending` carries them, `schedule` says when the
next attempt is, `signing` makes secrets and signatures; `endpoints` is what the
platform can do. docs/relay-and-webhooks.md is for who receives.
"""
