import type { Word, Words } from "../i18n.js";

export const en = {} satisfies Words;

export const de: Record<keyof typeof en, Word> = {};
