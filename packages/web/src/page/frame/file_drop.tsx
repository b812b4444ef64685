/** A place to drop a file on, or to choose one by keyboard, with its failure beside it. */
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { Fault } from '../fault.ts';
import { Trouble } from './trouble.tsx';

interface FileDropProps {
  title: string;
  hint: string;
  accept: string;
  file: { name: string } | undefined;
  fault: Fault | undefined;
  onFile(file: File | undefined): void;
  children?: ComponentChildren;
}

export function FileDrop({ title, hint, accept, file, fault, onFile, children }: FileDropProps) {
  const id = useId();
  const [isOver, setOver] = useState(false);
  const over = (value: boolean) => (event: DragEvent) => {
    event.preventDefault();
    setOver(value);
  };
  return (
    <div class={`drop ${isOver ? 'over' : ''} ${fault ? 'faulty' : ''}`}>
      <label
        for={id}
        onDragOver={over(true)}
        onDragLeave={over(false)}
        onDrop={(event) => {
          over(false)(event);
          const dropped = event.dataTransfer?.files[0];
          if (dropped) onFile(dropped);
        }}
      >
        <span class="title">{title}</span>
        <span class="hint">{file ? file.name : hint}</span>
        <input
          id={id}
          type="file"
          accept={accept}
          aria-label={`${title}: choose a file`}
          onChange={({ currentTarget }) => {
            const chosen = currentTarget.files?.[0];
            currentTarget.value = ''; // the same file may be chosen again
            if (chosen) onFile(chosen);
          }}
        />
        {children}
      </label>
      {file && (
        <button type="button" class="quiet remove" aria-label={`Remove ${title}`} onClick={() => onFile(undefined)}>
          Remove
        </button>
      )}
      {fault && <Trouble fault={fault} />}
    </div>
  );
}
