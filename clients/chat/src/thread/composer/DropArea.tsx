import type { Thread } from "@callboard/client";
import type { ComponentChildren, VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import { useSession } from "../../session.js";
import { Icon } from "../../ui/Icon.js";
import type { Draft } from "../draft.js";
import { useFiles } from "./useFiles.js";

interface DropAreaProps {
  draft: Draft;
  thread: Thread;
  /** Whether one may write here, as far as is known. */
  isOpen: boolean;
  children: ComponentChildren;
}

/** The whole thread takes files that are dragged over it. */
export function DropArea({ draft, thread, isOpen, children }: DropAreaProps): VNode {
  const { t } = useSession();
  const take = useFiles(draft, thread);
  const [isOver, setOver] = useState(false);
  // Each element on the way is entered and left.
  const depth = useRef(0);
  const hasFiles = (event: DragEvent): boolean =>
    isOpen && (event.dataTransfer?.types.includes("Files") ?? false);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the button does the same by keyboard
    <div
      class="thread"
      onDragEnter={(event) => {
        if (!hasFiles(event)) return;
        depth.current++;
        setOver(true);
      }}
      onDragOver={(event) => {
        if (!hasFiles(event) || event.dataTransfer === null) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
      }}
      onDragLeave={(event) => {
        if (!hasFiles(event)) return;
        depth.current--;
        if (depth.current <= 0) setOver(false);
      }}
      onDrop={(event) => {
        depth.current = 0;
        setOver(false);
        if (!hasFiles(event) || event.dataTransfer === null) return;
        event.preventDefault();
        take(event.dataTransfer);
      }}
    >
      {children}
      {isOver && (
        <div class="thread-drop">
          <Icon name="upload" />
          <span>{t("composer.drop")}</span>
        </div>
      )}
    </div>
  );
}
