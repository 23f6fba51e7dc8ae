export const en = {
  title: "Callboard",
  you: "You are",
  demo: "Demonstration on this machine",
  second: "Open a second window as {name}",
  help: "Open this address in a second window and choose somebody else: the two then talk to each other.",
  hide: "Hide this hint",
  elsewhere:
    "This demonstration lends its people only to a browser on the server's own machine. Open it there, by the address that `callboard dev` has written.",
  away: "The server does not answer. Is `callboard dev` still running? It is tried again every few seconds.",
  retry: "Try now",
};

export const de: Record<keyof typeof en, string> = {
  title: "Callboard",
  you: "Sie sind",
  demo: "Vorführung auf diesem Rechner",
  second: "Zweites Fenster als {name} öffnen",
  help: "Öffnen Sie diese Adresse in einem zweiten Fenster und wählen Sie jemand anderen: Die beiden sprechen dann miteinander.",
  hide: "Hinweis ausblenden",
  elsewhere:
    "Diese Vorführung leiht ihre Personen nur einem Browser auf dem Rechner des Servers. Öffnen Sie sie dort, unter der Adresse, die `callboard dev` genannt hat.",
  away: "Der Server antwortet nicht. Läuft `callboard dev` noch? Alle paar Sekunden wird es wieder versucht.",
  retry: "Jetzt versuchen",
};
