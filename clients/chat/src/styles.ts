import list from "./list/list.css?inline";
import panels from "./panels/panels.css?inline";
import shell from "./shell/shell.css?inline";
import composer from "./thread/composer/composer.css?inline";
import thread from "./thread/thread.css?inline";
import parts from "./ui/parts.css?inline";
import theme from "./ui/theme.css?inline";

let sheet: CSSStyleSheet | undefined;

/**
 * The one sheet of the chat, shared by all that are on the page.
 *
 * Constructed, since a page with a strict Content-Security-Policy takes neither style
 * elements nor style attributes.
 */
export function styles(): CSSStyleSheet {
  sheet ??= sheetOf(theme, parts, shell, list, thread, composer, panels);
  return sheet;
}

/** Colours and parts alone, for the page around the chat that wants to look like it. */
export function ground(): CSSStyleSheet {
  return sheetOf(theme, parts);
}

export function sheetOf(...texts: string[]): CSSStyleSheet {
  const made = new CSSStyleSheet();
  made.replaceSync(texts.join("\n"));
  return made;
}
