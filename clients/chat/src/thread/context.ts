import type { Attachment, Message, Thread } from "@callboard/client";
import { createContext } from "preact";
import { useContext } from "preact/hooks";

/** What a message can be asked to do, wherever in it that is asked. */
export interface Actions {
  reply(message: Message): void;
  edit(message: Message): void;
  react(message: Message, emoji: string, isOn: boolean): void;
  copy(message: Message): void;
  /** Ask before it is done. */
  remove(message: Message): void;
  report(message: Message): void;
  showHistory(message: Message): void;
  showImage(attachment: Attachment): void;
  jump(seq: number): void;
  retry(clientId: string): void;
  discard(clientId: string): void;
}

/** What stands around the messages of an open thread. */
export interface OpenThread {
  thread: Thread;
  /** Between two people: nobody needs to be named at each message. */
  isDirect: boolean;
  /** Whether one may react here. */
  isOpen: boolean;
  actions: Actions;
}

export const ThreadContext = createContext<OpenThread | null>(null);

export function useOpenThread(): OpenThread {
  const open = useContext(ThreadContext);
  if (open === null) throw new Error("useOpenThread outside of a thread");
  return open;
}
