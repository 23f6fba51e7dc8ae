import type { ComponentChildren, VNode } from "preact";

interface SwitchProps {
  isOn: boolean;
  onChange: (isOn: boolean) => void;
  disabled?: boolean;
  /** Its name, where no words stand beside it. */
  label?: string;
  title?: string;
}

/** On or off, at once. */
export function Switch({ isOn, onChange, disabled = false, label, title }: SwitchProps): VNode {
  return (
    <input
      type="checkbox"
      role="switch"
      class="panels-switch"
      checked={isOn}
      aria-checked={isOn}
      disabled={disabled}
      aria-label={label}
      title={title}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
}

interface SettingProps {
  label: string;
  help?: string;
  /** A switch, a choice: what is set. */
  children: ComponentChildren;
}

/** A line of settings: what it is, what it means, and what is set. */
export function Setting({ label, help, children }: SettingProps): VNode {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children
    <label class="panels-setting">
      <span class="panels-setting-words">
        <span>{label}</span>
        {help && <span class="ui-hint">{help}</span>}
      </span>
      {children}
    </label>
  );
}
