import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useSession } from "../session.js";
import { Button } from "../ui/Button.js";

interface MoreRowsProps {
  isLoading: boolean;
  more: () => Promise<void>;
}

// A filter that shows few may look through so many pages unasked.
const BY_ITSELF = 10;

/** The end of the list: fetches the next page when it comes into sight. */
export function MoreRows({ isLoading, more }: MoreRowsProps): VNode {
  const { t } = useSession();
  const end = useRef<HTMLDivElement>(null);
  const [isNear, setNear] = useState(false);
  const [pages, setPages] = useState(0);

  useEffect(() => {
    if (!end.current) return;
    const observer = new IntersectionObserver(
      (entries) => {
        const isSeen = entries.some((entry) => entry.isIntersecting);
        setNear(isSeen);
        // Out of sight, so rows came: begin to count anew.
        if (!isSeen) setPages(0);
      },
      { rootMargin: "400px" },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (!isNear || isLoading || pages >= BY_ITSELF) return;
    setPages(pages + 1);
    void more();
  }, [isNear, isLoading, pages, more]);

  return (
    <div class="list-more" ref={end}>
      {isLoading ? (
        <span class="ui-spinner" role="status" aria-label={t("ui.loading")} />
      ) : (
        pages >= BY_ITSELF && (
          <Button size="small" onClick={() => setPages(0)}>
            {t("list.more")}
          </Button>
        )
      )}
    </div>
  );
}
