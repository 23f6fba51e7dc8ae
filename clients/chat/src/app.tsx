import type { Callboard } from "@callboard/client";
import { CallboardProvider, useStore } from "@callboard/client/react";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { translator } from "./i18n.js";
import { type Place, PlaceContext } from "./route.js";
import { type ChatOptions, type Directory, type Session, SessionContext } from "./session.js";
import { Frame, WaitingFrame } from "./shell/Frame.js";
import { OfflineBar } from "./shell/OfflineBar.js";
import { type Appearance, AppearanceContext } from "./shell/settings.js";
import { Toasts } from "./ui/Toast.js";
import { PushWatch } from "./worker/PushWatch.js";

interface AppProps {
  client: Callboard;
  place: Place;
  directory: Directory | null;
  options: ChatOptions;
  locale: string;
}

/** What everything stands in: the reader's language and colours. */
export function Ground(props: {
  appearance: Appearance;
  app: Omit<AppProps, "locale"> | null;
}): VNode {
  const { appearance, app } = props;
  const { locale, theme } = useStore(appearance);
  return (
    <div class="app" lang={locale} data-theme={theme}>
      <AppearanceContext.Provider value={appearance}>
        {app ? <App {...app} locale={locale} /> : <WaitingFrame t={translator(locale)} />}
      </AppearanceContext.Provider>
    </div>
  );
}

/**
 * The chat of one person, whole.
 *
 * Until the server has said who that is, only the frame is there, with the bar that says how
 * the connection stands.
 */
function App({ client, place, directory, options, locale }: AppProps): VNode {
  const me = useStore(client.me, (state) => state?.profile.id ?? null);
  const t = useMemo(() => translator(locale), [locale]);
  const session = useMemo<Session | null>(
    () => (me === null ? null : { client, me, t, locale, directory, options }),
    [client, me, t, locale, directory, options],
  );
  const bar = <OfflineBar t={t} />;
  return (
    <CallboardProvider client={client}>
      <PlaceContext.Provider value={place}>
        {session ? (
          <SessionContext.Provider value={session}>
            <Toasts>
              <PushWatch />
              <Frame bar={bar} />
            </Toasts>
          </SessionContext.Provider>
        ) : (
          <WaitingFrame t={t} bar={bar} />
        )}
      </PlaceContext.Provider>
    </CallboardProvider>
  );
}
