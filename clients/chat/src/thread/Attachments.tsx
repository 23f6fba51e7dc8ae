import type { Attachment } from "@callboard/client";
import type { VNode } from "preact";
import { memo } from "preact/compat";
import { useEffect, useRef, useState } from "preact/hooks";
import { useSession } from "../session.js";
import { Icon } from "../ui/Icon.js";
import { useNotify } from "../ui/Toast.js";
import { hostOf, isImage, SHOWN_BYTES, sizeText, typeText, uploadIdOf } from "./attachments.js";
import { useOpenThread } from "./context.js";
import { save } from "./pictures.js";
import { useImage } from "./useImage.js";

interface AttachmentsProps {
  attachments: readonly Attachment[];
  isCurrent: boolean;
}

/** The files of a message: images are shown, everything else is a card. */
export const Attachments = memo(function Attachments(props: AttachmentsProps): VNode {
  const { attachments, isCurrent } = props;
  const images = attachments.filter(isImage);
  const files = attachments.filter((each) => !isImage(each));
  return (
    <>
      {images.length > 0 && (
        <div class={images.length > 1 ? "thread-images thread-images-many" : "thread-images"}>
          {images.map((each) => (
            <Shown key={each.url} attachment={each} isCurrent={isCurrent} />
          ))}
        </div>
      )}
      {files.map((each) => (
        <FileCard key={each.url} attachment={each} isCurrent={isCurrent} />
      ))}
    </>
  );
});

interface AttachmentProps {
  attachment: Attachment;
  isCurrent: boolean;
}

function Shown({ attachment, isCurrent }: AttachmentProps): VNode {
  const { t, locale } = useSession();
  const { actions } = useOpenThread();
  const frame = useRef<HTMLButtonElement>(null);
  const isNear = useNear(frame);
  const [isAsked, setAsked] = useState(attachment.size <= SHOWN_BYTES);
  const image = useImage(attachment, isNear && isAsked);
  // What calls itself a picture may be none.
  const [isBroken, setBroken] = useState(false);
  const { name } = attachment;
  if (image.state === "failed" || isBroken) {
    return <FileCard attachment={attachment} isCurrent={isCurrent} />;
  }
  return (
    <button
      type="button"
      ref={frame}
      class={image.state === "shown" ? "thread-image" : "thread-image thread-image-waiting"}
      tabIndex={isCurrent ? 0 : -1}
      aria-label={isAsked ? t("thread.image.open", { name }) : `${t("thread.image.load")}: ${name}`}
      onClick={() => (isAsked ? actions.showImage(attachment) : setAsked(true))}
    >
      {image.state === "shown" ? (
        <img src={image.url} alt="" decoding="async" onError={() => setBroken(true)} />
      ) : (
        <span class="thread-image-wait">
          <Icon name="image" />
          {!isAsked && <span>{sizeText(attachment.size, locale)}</span>}
        </span>
      )}
    </button>
  );
}

function FileCard({ attachment, isCurrent }: AttachmentProps): VNode {
  const { t, locale, client } = useSession();
  const notify = useNotify();
  const { name } = attachment;
  const size = sizeText(attachment.size, locale);
  const face = (
    <>
      <span class="thread-file-type" aria-hidden="true">
        {typeText(attachment)}
      </span>
      <span class="thread-file-about">
        <bdi class="thread-file-name">{name}</bdi>
        <FileNote attachment={attachment} size={size} />
      </span>
    </>
  );
  if (uploadIdOf(attachment) !== null) {
    return (
      <button
        type="button"
        class="thread-file"
        tabIndex={isCurrent ? 0 : -1}
        aria-label={`${t("thread.file.save", { name })}, ${size}`}
        onClick={() => {
          save(client, attachment).catch(() => notify(t("thread.file.failed", { name })));
        }}
      >
        {face}
        <Icon name="download" />
      </button>
    );
  }
  const host = hostOf(attachment);
  if (host === null) return <span class="thread-file">{face}</span>;
  return (
    <a
      class="thread-file"
      href={attachment.url}
      target="_blank"
      rel="noopener noreferrer nofollow ugc"
      tabIndex={isCurrent ? 0 : -1}
      aria-label={`${t("thread.file.open", { name, host })}, ${size}`}
    >
      {face}
      <Icon name="external" />
    </a>
  );
}

function FileNote({ attachment, size }: { attachment: Attachment; size: string }): VNode {
  const { t } = useSession();
  const host = uploadIdOf(attachment) === null ? hostOf(attachment) : null;
  return (
    <span class="thread-file-note">
      {size}
      {host !== null && <bdi> · {t("thread.file.at", { host })}</bdi>}
    </span>
  );
}

/** Whether an element has come near what is in view; it stays so. */
function useNear(element: { readonly current: HTMLElement | null }): boolean {
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    if (isNear || element.current === null) return;
    const watcher = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setNear(true);
      },
      { scrollMargin: "600px" },
    );
    watcher.observe(element.current);
    return () => watcher.disconnect();
  }, [element, isNear]);
  return isNear;
}
