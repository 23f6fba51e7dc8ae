/** An element that is in view, and how far below the top of the view it begins. */
interface Anchor {
  element: Element;
  offset: number;
}

/** A message, and how far below the top of the view it begins. */
export interface Spot {
  seq: number;
  offset: number;
}

/** Whoever is no further than this from the end follows it. */
const AT_END_PX = 40;
/** So many elements in view are remembered: the first may be the one that goes. */
const ANCHORS = 4;

/**
 * Keeps the reader's place while the list changes around it.
 *
 * What is in view stays where it is, to the pixel, when messages come or go above, images
 * take their size or reactions are added; whoever is at the end stays at the end. Browsers
 * do something like it (`overflow-anchor`), but not all, and not at the very top: it is
 * switched off here.
 */
export class Place {
  readonly #scroller: HTMLElement;
  readonly #list: HTMLElement;
  #anchors: Anchor[] = [];
  #top = 0;
  /** Whether the reader stays at the end as messages come. */
  isFollowing = true;
  /** Whether the list ends where the conversation does, so that there is an end to follow. */
  isEndShown = true;

  constructor(scroller: HTMLElement, list: HTMLElement) {
    this.#scroller = scroller;
    this.#list = list;
  }

  /** How far the view is from the end of what is loaded. */
  get belowPx(): number {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  get abovePx(): number {
    return this.#scroller.scrollTop;
  }

  /** Take notice where the reader has scrolled to; call it before the list changes, too. */
  note(): void {
    if (Math.abs(this.#scroller.scrollTop - this.#top) < 1) return;
    this.isFollowing = this.isEndShown && this.belowPx <= AT_END_PX;
    this.#remember();
  }

  /** Put the reader back to where they were; call it after the list has changed. */
  keep(): void {
    const scroller = this.#scroller;
    if (scroller.clientHeight === 0) return;
    if (this.isFollowing && this.isEndShown) {
      if (this.belowPx >= 1) scroller.scrollTop = scroller.scrollHeight;
      this.#remember();
      return;
    }
    const edge = scroller.getBoundingClientRect().top;
    const anchor = this.#anchors.find(({ element }) => this.#list.contains(element));
    if (anchor === undefined) {
      this.#remember();
      return;
    }
    const moved = anchor.element.getBoundingClientRect().top - edge - anchor.offset;
    // Anchors are kept as they were noted: what rounding takes would add up.
    if (Math.abs(moved) >= 0.5) scroller.scrollTop += moved;
    this.#top = scroller.scrollTop;
    if (this.#anchors[0] !== anchor) this.#remember();
  }

  /** Bring an element into view: at a part of the view's height below its top. */
  show(element: Element, part: number): void {
    const free = this.#scroller.clientHeight - element.getBoundingClientRect().height;
    this.showAt(element, Math.max(0, free) * part);
  }

  /** Put an element's top so far below the top of the view. */
  showAt(element: Element, offset: number): void {
    const scroller = this.#scroller;
    const edge = scroller.getBoundingClientRect().top;
    scroller.scrollTop += element.getBoundingClientRect().top - edge - offset;
    this.isFollowing = this.isEndShown && this.belowPx <= AT_END_PX;
    this.#remember();
  }

  /** Where the reader is, for when they come back; null for the end. */
  get spot(): Spot | null {
    if (this.isFollowing && this.isEndShown) return null;
    for (const { element, offset } of this.#anchors) {
      const seq = element instanceof HTMLElement ? element.dataset.seq : undefined;
      if (seq !== undefined) return { seq: Number(seq), offset };
    }
    return null;
  }

  /** Go to the end, and follow it. */
  toEnd(): void {
    this.isFollowing = true;
    this.keep();
  }

  /** The elements in view, the first one first. */
  inView(): Element[] {
    const view = this.#scroller.getBoundingClientRect();
    const found: Element[] = [];
    const { children } = this.#list;
    for (let index = this.#firstInView(view.top); index < children.length; index++) {
      const child = children[index];
      if (child === undefined || child.getBoundingClientRect().top >= view.bottom) break;
      found.push(child);
    }
    return found;
  }

  /** The newest `seq` that the reader has had before their eyes; null where there is none. */
  seenUpTo(): number | null {
    const view = this.#scroller.getBoundingClientRect();
    let seen: number | null = null;
    for (const element of this.inView()) {
      const seq = element instanceof HTMLElement ? element.dataset.seq : undefined;
      if (seq === undefined) continue;
      const box = element.getBoundingClientRect();
      const fillsView = box.top <= view.top + 1 && box.bottom >= view.bottom - 1;
      if (box.bottom <= view.bottom + 8 || fillsView) seen = Number(seq);
    }
    return seen;
  }

  #remember(): void {
    const { top, height } = this.#scroller.getBoundingClientRect();
    this.#top = this.#scroller.scrollTop;
    // Messages alone: a day's line goes up when more of that day comes in above.
    const seen = this.inView()
      .filter((element) => element.hasAttribute("data-key"))
      .slice(0, ANCHORS)
      .map((element) => ({ element, offset: element.getBoundingClientRect().top - top }));
    const [first, second] = seen;
    // What is cut off at the top may grow out of view, unless it is what one reads. The first
    // of all grows or shrinks as soon as it follows another.
    const isLeaving =
      first !== undefined &&
      (first.offset < 0 || first.element === this.#list.querySelector("[data-key]"));
    if (isLeaving && second !== undefined && second.offset < height / 2) {
      seen.push(first);
      seen.shift();
    }
    this.#anchors = seen;
  }

  /** The index of the first element that ends below the top of the view. */
  #firstInView(edge: number): number {
    const { children } = this.#list;
    let low = 0;
    let high = children.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const child = children[middle];
      if (child !== undefined && child.getBoundingClientRect().bottom > edge) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
