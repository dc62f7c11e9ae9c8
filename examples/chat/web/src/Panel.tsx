import { useEffect, useRef, type ReactNode } from "react";

interface Props {
  as: "nav" | "aside";
  label: string;
  /** Whether it fits beside the conversation; else it is a drawer. */
  fits: boolean;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
}

export function Panel({ as: Landmark, label, fits, open, onClose, children }: Props) {
  const landmark = (
    <Landmark className="panel" aria-label={label}>
      {children}
    </Landmark>
  );
  if (fits) return landmark;
  return (
    <Drawer label={label} open={open} onClose={onClose}>
      {landmark}
    </Drawer>
  );
}

function Drawer({ label, open, onClose, children }: Pick<Props, "label" | "open" | "onClose" | "children">) {
  const dialog = useRef<HTMLDialogElement>(null);

  // A modal dialog keeps the focus inside, closes with Escape and gives the focus back.
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);

  return (
    <dialog
      ref={dialog}
      className={`drawer drawer-${label.toLowerCase()}`}
      aria-label={label}
      onClose={onClose}
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      {open && (
        <div className="drawer-inside">
          <button type="button" className="quiet drawer-close" onClick={onClose}>
            Close
          </button>
          {children}
        </div>
      )}
    </dialog>
  );
}
