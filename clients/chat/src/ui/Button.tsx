import type { ButtonHTMLAttributes, ComponentChildren, Ref, VNode } from "preact";
import { Icon, type IconName } from "./Icon.js";

type Native = Omit<
  ButtonHTMLAttributes<HTMLButtonElement>,
  "class" | "className" | "icon" | "size"
>;

interface ButtonProps extends Native {
  children: ComponentChildren;
  kind?: "plain" | "main" | "quiet" | "danger";
  size?: "normal" | "small";
  icon?: IconName;
  buttonRef?: Ref<HTMLButtonElement>;
}

/** A button with words. */
export function Button(props: ButtonProps): VNode {
  const { children, kind = "plain", size = "normal", icon, buttonRef, ...rest } = props;
  const small = size === "small" ? " ui-button-small" : "";
  return (
    <button
      type="button"
      {...rest}
      ref={buttonRef ?? null}
      class={`ui-button ui-button-${kind}${small}`}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

interface IconButtonProps extends Native {
  /** What it does: said, and shown on hovering. */
  label: string;
  icon: IconName;
  /** A count on its corner; the label should tell it too. */
  children?: ComponentChildren;
  buttonRef?: Ref<HTMLButtonElement>;
}

/** A button with a picture; its label is its name. */
export function IconButton({ label, icon, children, buttonRef, ...rest }: IconButtonProps): VNode {
  return (
    <button
      type="button"
      title={label}
      aria-label={label}
      {...rest}
      ref={buttonRef ?? null}
      class="ui-icon-button"
    >
      <Icon name={icon} />
      {children}
    </button>
  );
}
