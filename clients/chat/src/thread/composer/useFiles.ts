import type { Thread } from "@callboard/client";
import { upload } from "@callboard/client/uploads";
import { useCallback } from "preact/hooks";
import { useSession } from "../../session.js";
import { useNotify } from "../../ui/Toast.js";
import { type Draft, MOST_FILES } from "../draft.js";

/** What takes files into a draft, however they came, and says which it cannot take. */
export function useFiles(draft: Draft, thread: Thread): (given: DataTransfer | FileList) => void {
  const { client, t } = useSession();
  const notify = useNotify();
  return useCallback(
    (given) => {
      const { files, hasFolders } = given instanceof FileList ? listOf(given) : sortOut(given);
      if (hasFolders) notify(t("composer.files.folder"));
      const tooMany = draft.add(files, (file, options) => upload(client, thread.id, file, options));
      if (tooMany > 0) notify(t("composer.files.most", { count: MOST_FILES }));
    },
    [client, draft, thread, notify, t],
  );
}

function listOf(files: FileList): { files: File[]; hasFolders: boolean } {
  return { files: [...files], hasFolders: false };
}

/** Folders look like files until one tries to read them. */
function sortOut(given: DataTransfer): { files: File[]; hasFolders: boolean } {
  const files: File[] = [];
  let hasFolders = false;
  for (const item of given.items) {
    if (item.kind !== "file") continue;
    const file = item.getAsFile();
    if (item.webkitGetAsEntry()?.isDirectory) hasFolders = true;
    else if (file !== null) files.push(file);
  }
  return { files, hasFolders };
}
