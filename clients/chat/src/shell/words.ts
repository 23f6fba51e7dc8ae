import type { Word, Words } from "../i18n.js";

export const en = {
  "shell.skip": "Skip to the messages",
  "shell.messages": "Messages",
  "shell.back": "Back to the list",
  "shell.new": "New conversation",
  "shell.search": "Search",
  "shell.requests": "Connections",
  "shell.requests.count": {
    one: "Connections, {count} request waits",
    other: "Connections, {count} requests wait",
  },
  "shell.nothing.title": "Choose a conversation",
  "shell.nothing.help": "What you are writing is kept, wherever you go.",
  "shell.profile": "{name}, {status}: status, appearance, language",
  "shell.status.online": "Online",
  "shell.status.away": "Away",
  "shell.status.invisible": "Invisible",
  "shell.preferences": "Notification settings",
  "shell.theme": "Appearance",
  "shell.theme.auto": "As on this device",
  "shell.theme.light": "Light",
  "shell.theme.dark": "Dark",
  "shell.language": "Language",
  "shell.bar.connecting": "Connecting …",
  "shell.bar.waiting":
    "No connection to the server. What you write is kept and sent when it is back.",
  "shell.bar.again": {
    one: "Next attempt in {count} second.",
    other: "Next attempt in {count} seconds.",
  },
  "shell.bar.now": "Try now",
  "shell.bar.closed": "The connection has been closed.",
  "shell.bar.suspended":
    "You have been signed out. Sign in again, unless your account is suspended.",
} satisfies Words;

export const de: Record<keyof typeof en, Word> = {
  "shell.skip": "Zu den Nachrichten springen",
  "shell.messages": "Nachrichten",
  "shell.back": "Zurück zur Liste",
  "shell.new": "Neue Unterhaltung",
  "shell.search": "Suchen",
  "shell.requests": "Verbindungen",
  "shell.requests.count": {
    one: "Verbindungen, {count} Anfrage wartet",
    other: "Verbindungen, {count} Anfragen warten",
  },
  "shell.nothing.title": "Wählen Sie eine Unterhaltung",
  "shell.nothing.help": "Was Sie schreiben, bleibt erhalten, wohin Sie auch gehen.",
  "shell.profile": "{name}, {status}: Status, Aussehen, Sprache",
  "shell.status.online": "Online",
  "shell.status.away": "Abwesend",
  "shell.status.invisible": "Unsichtbar",
  "shell.preferences": "Benachrichtigungen einstellen",
  "shell.theme": "Aussehen",
  "shell.theme.auto": "Wie auf diesem Gerät",
  "shell.theme.light": "Hell",
  "shell.theme.dark": "Dunkel",
  "shell.language": "Sprache",
  "shell.bar.connecting": "Verbindung wird hergestellt …",
  "shell.bar.waiting":
    "Keine Verbindung zum Server. Was Sie schreiben, bleibt erhalten und wird dann gesendet.",
  "shell.bar.again": {
    one: "Nächster Versuch in {count} Sekunde.",
    other: "Nächster Versuch in {count} Sekunden.",
  },
  "shell.bar.now": "Jetzt versuchen",
  "shell.bar.closed": "Die Verbindung wurde geschlossen.",
  "shell.bar.suspended":
    "Sie wurden abgemeldet. Melden Sie sich neu an, falls Ihr Konto nicht gesperrt ist.",
};
