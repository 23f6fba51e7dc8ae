"""
From an event to what a person is shown, once, where and when they want it.

What is known beforehand:

- `catalogue` (`catalogue.toml`): what there is to be told, how, and in which words
- `preferences`, `schedule`, `zones`: how and when somebody wants to be told

An event comes, and deliveries are planned:

- `events`: follows the domain events, once each and in order
- `triggers`, `messages`: what an event means, and for whom
- `job_alerts`, `finding`: who has been looking for a gig that is published
- `reminders`: what begins or ends soon
- `broadcasts`: what many are told
- `deciding`: who is told, on which channels, and why so
- `planning`, `wording`: writes that down, in the reader's words

A delivery is due, and leaves or does not:

- `digests`: what waits for an hour, a day or a week leaves in one delivery
- `releasing`: takes what is due, and keeps what was decided about it
- `facts`: asks for all that decides; `listed`: which gigs of a list are still open
- `judging`: decides one after the other, by the rules of `rechecking`
- `parcels`: packs what leaves
- `delivering`: gives it to a `notifier` of `notifiers`; `relay`: to a relay that asks
- `recording`: writes down what came of it; `masking`: without where it went

Whoever runs it asks `why`, and reads `delivery_metrics`.
"""
