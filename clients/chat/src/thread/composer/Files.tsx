import type { VNode } from "preact";
import type { Translate } from "../../i18n.js";
import { useSession } from "../../session.js";
import { IconButton } from "../../ui/Button.js";
import { sizeText, typeText } from "../attachments.js";
import type { Draft, Enclosure } from "../draft.js";

interface FilesProps {
  files: readonly Enclosure[];
  draft: Draft;
}

/** The files that go with the message: how far they are, and what went wrong. */
export function Files({ files, draft }: FilesProps): VNode | null {
  const { t } = useSession();
  if (files.length === 0) return null;
  return (
    <ul class="composer-files" aria-label={t("composer.files")}>
      {files.map((each) => (
        <File key={each.id} file={each} draft={draft} />
      ))}
    </ul>
  );
}

function File({ file, draft }: { file: Enclosure; draft: Draft }): VNode {
  const { t, locale } = useSession();
  const { id, name, problem, part } = file;
  const isUnderWay = file.attachment === null && problem === null;
  const percent = new Intl.NumberFormat(locale, { style: "percent" }).format(part);
  return (
    <li class={problem === null ? "composer-file" : "composer-file composer-file-failed"}>
      {file.preview === null ? (
        <span class="thread-file-type" aria-hidden="true">
          {typeText({ url: "", name, mime_type: file.type, size: file.size })}
        </span>
      ) : (
        <img src={file.preview} alt="" />
      )}
      <span class="composer-file-about">
        <bdi class="thread-file-name" title={name}>
          {name}
        </bdi>
        {problem !== null ? (
          <span class="composer-file-why" role="alert">
            {problemOf(problem, t)}
          </span>
        ) : isUnderWay ? (
          <progress
            max={1}
            value={part}
            aria-label={t("composer.file.part", { name, part: percent })}
          />
        ) : (
          <span class="thread-file-note">
            {sizeText(file.size, locale)}
            <span class="unseen">{t("composer.file.ready", { name })}</span>
          </span>
        )}
      </span>
      {(problem === "offline" || problem === "unavailable" || problem === "rate_limited") && (
        <IconButton
          icon="refresh"
          label={t("composer.file.again", { name })}
          onClick={() => draft.again(id)}
        />
      )}
      <IconButton
        icon="close"
        label={t("composer.file.remove", { name })}
        onClick={() => draft.drop(id)}
      />
    </li>
  );
}

function problemOf(code: string, t: Translate): string {
  switch (code) {
    case "too_large":
      return t("composer.file.too_large");
    case "invalid":
      return t("composer.file.invalid");
    case "offline":
    case "unavailable":
      return t("composer.file.offline");
    case "rate_limited":
      return t("problem.rate_limited");
    default:
      return t("composer.file.other");
  }
}
