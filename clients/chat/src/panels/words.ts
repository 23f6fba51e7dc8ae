import { de as panelsDe } from "./words-de.js";
import { en as panelsEn } from "./words-en.js";
import { de as prefsDe } from "./words-prefs-de.js";
import { en as prefsEn } from "./words-prefs-en.js";

export const en = { ...panelsEn, ...prefsEn };

export const de = { ...panelsDe, ...prefsDe };
