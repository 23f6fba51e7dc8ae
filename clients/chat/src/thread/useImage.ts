import type { Attachment } from "@callboard/client";
import { useEffect, useState } from "preact/hooks";
import { useSession } from "../session.js";
import { Pictures } from "./pictures.js";

export type Image = { state: "waiting" | "failed" } | { state: "shown"; url: string };

/** Borrow a picture while it is wanted: fetched once it is. */
export function useImage(attachment: Attachment, isWanted: boolean): Image {
  const { client } = useSession();
  const [image, setImage] = useState<Image>({ state: "waiting" });
  const { url } = attachment;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the address names the picture
  useEffect(() => {
    if (!isWanted) return;
    const pictures = Pictures.of(client);
    let isShown = true;
    setImage({ state: "waiting" });
    pictures.borrow(attachment).then(
      (found) => {
        if (isShown) setImage({ state: "shown", url: found });
      },
      () => {
        if (isShown) setImage({ state: "failed" });
      },
    );
    return () => {
      isShown = false;
      pictures.giveBack(attachment);
    };
  }, [client, url, isWanted]);
  return image;
}
