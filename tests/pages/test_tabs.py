"""Tabs of one browser: they share what waits to be sent, and send each of it once."""

import asyncio
from itertools import chain

from playwright.async_api import expect

from tests.pages.conftest import OpenAs
from tests.pages.site import Site
from tests.pages.threads import conversation_of, enter, row_of, say

# How much is kept for after a reload, of all tabs; or wait until it is nothing.
_KEPT = """async isToGo => {
  const answer = asked => new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  const [{ name }] = await indexedDB.databases();
  const database = await answer(indexedDB.open(name));
  try {
    for (;;) {
      const messages = database.transaction("messages").objectStore("messages");
      const kept = await answer(messages.count());
      if (kept === 0 || !isToGo) return kept;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  } finally {
    database.close();
  }
}"""


async def test_what_two_tabs_have_written_offline_is_sent_exactly_once(
    open_as: OpenAs, site: Site
) -> None:
    one = await open_as("ada")
    other = await open_as("ada", context=one.context)
    for tab in (one, other):
        await enter(tab, "Grace Okafor")
    conversation = await conversation_of(site, "ada", "grace")
    async with site.api("ada") as api:
        before = (await api.conversation(conversation))["last_seq"]

    site.lose_api()
    texts = {one: ["Ash 1", "Ash 2"], other: ["Birch 1", "Birch 2"]}
    every = list(chain(*texts.values()))
    for tab, written in texts.items():
        for text in written:
            await say(tab, text)
            waiting = row_of(tab, text).get_by_text("Waiting to be sent")
            await expect(waiting).to_be_attached()
    assert await one.evaluate(_KEPT, arg=False) == 4

    # Begun anew, a tab finds what the other has written as well, and both send it all.
    await other.reload()
    site.come_back()
    for tab in (one, other):
        for text in every:
            await expect(tab.locator(".thread-row", has_text=text)).to_have_count(1)
        await expect(tab.get_by_text("Waiting to be sent")).to_have_count(0)
    async with asyncio.timeout(30):
        await one.evaluate(_KEPT, arg=True)

    async with site.api("ada") as api:
        page = await api.messages(conversation, after=before)
    said = [each["body"] for each in page["items"]]
    assert sorted(said) == sorted(every)
    # In the order in which each tab's were written.
    for written in texts.values():
        assert [each for each in said if each in written] == written
