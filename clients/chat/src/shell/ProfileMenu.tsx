import { Problem } from "@callboard/client";
import { useMe, useStore } from "@callboard/client/react";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { LANGUAGE_NAMES, LANGUAGES } from "../i18n.js";
import { useGo } from "../route.js";
import { useSession } from "../session.js";
import { Avatar } from "../ui/Avatar.js";
import type { IconName } from "../ui/Icon.js";
import { Menu, type MenuEntry } from "../ui/Menu.js";
import { problemText } from "../ui/problem.js";
import { useNotify } from "../ui/Toast.js";
import { type Theme, useAppearance } from "./settings.js";

const STATUSES = ["online", "away", "invisible"] as const;
type Chosen = (typeof STATUSES)[number];

const THEMES: readonly [Theme, IconName][] = [
  ["auto", "monitor"],
  ["light", "sun"],
  ["dark", "moon"],
];

/** One's own picture; behind it how one is there, and how the chat looks and speaks. */
export function ProfileMenu(): VNode {
  const { client, me, t, locale } = useSession();
  const profile = useMe()?.profile;
  const appearance = useAppearance();
  const { theme } = useStore(appearance);
  const notify = useNotify();
  const go = useGo();
  const [status, setStatus] = useState<Chosen>("online");
  const name = profile?.display_name || t("ui.you");

  const choose = (next: Chosen): void => {
    setStatus(next);
    client.presence.set(next).catch((error: unknown) => {
      setStatus(status);
      notify(problemText(Problem.of(error), t));
    });
  };

  const entries: MenuEntry[] = [
    { title: name },
    ...STATUSES.map((each) => ({
      label: t(`shell.status.${each}`),
      checked: each === status,
      onSelect: () => choose(each),
    })),
    { line: true },
    {
      label: t("shell.preferences"),
      icon: "settings",
      onSelect: () => go({ panel: "preferences" }),
    },
    { line: true },
    { title: t("shell.theme") },
    ...THEMES.map(([each, icon]) => ({
      label: t(`shell.theme.${each}`),
      icon,
      checked: each === theme,
      onSelect: () => appearance.chooseTheme(each),
    })),
    { line: true },
    { title: t("shell.language") },
    ...LANGUAGES.map((each) => ({
      label: LANGUAGE_NAMES[each],
      checked: locale.startsWith(each),
      onSelect: () => appearance.chooseLanguage(each),
    })),
  ];

  const seen = status === "invisible" ? "offline" : status;
  return (
    <Menu
      label={t("shell.profile", { name, status: t(`shell.status.${status}`) })}
      entries={entries}
      triggerClass="shell-me"
      trigger={
        <>
          <Avatar userId={me} name={name} />
          <span class={`ui-presence ui-presence-${seen}`} aria-hidden="true" />
        </>
      }
    />
  );
}
