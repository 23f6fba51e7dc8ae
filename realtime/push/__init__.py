"""
Push: Web Push (and with it UnifiedPush), FCM and APNs, each behind `Notifier`.

Read `addresses.py` (where a push may go), `outgoing.py` (how anything leaves),
`payloads.py` (what it says), then `webpush.py`, `fcm.py` and `apns.py`.
"""
