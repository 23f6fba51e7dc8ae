import type { Attachment } from "@callboard/client";
import type { VNode } from "preact";
import { useSession } from "../session.js";
import { IconButton } from "../ui/Button.js";
import { useModal } from "../ui/layers.js";
import { useNotify } from "../ui/Toast.js";
import { save } from "./pictures.js";
import { useImage } from "./useImage.js";

/** One image, as large as the window. */
export function Lightbox(props: { attachment: Attachment; onClose: () => void }): VNode {
  const { attachment, onClose } = props;
  const { t, client } = useSession();
  const notify = useNotify();
  const box = useModal();
  const image = useImage(attachment, true);
  const { name } = attachment;
  const download = (): void => {
    save(client, attachment).catch(() => notify(t("thread.file.failed", { name })));
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: by keyboard there are Escape and the cross
    <dialog
      ref={box}
      class="thread-lightbox"
      aria-label={name}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        // Beside the image, as on its ground.
        if (!(event.target instanceof HTMLImageElement)) onClose();
      }}
    >
      <header class="thread-lightbox-head">
        <bdi>{name}</bdi>
        <IconButton
          icon="download"
          label={t("thread.file.save", { name })}
          onClick={(event) => {
            event.stopPropagation();
            download();
          }}
        />
        <IconButton icon="close" label={t("ui.close")} onClick={onClose} />
      </header>
      <div class="thread-lightbox-ground">
        {image.state === "shown" && <img src={image.url} alt={name} />}
        {image.state === "waiting" && <span class="ui-spinner" />}
        {image.state === "failed" && <p role="alert">{t("thread.file.failed", { name })}</p>}
      </div>
    </dialog>
  );
}
