/** A picture of samples on a canvas, one pixel each, enlarged by the style sheet. */
import { useEffect, useRef } from 'preact/hooks';
import type { Picture } from '../worker/picture.ts';

export function PictureView({ picture, label }: { picture: Picture; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const { width, height, rgba } = picture;
    const at = canvas.current!;
    [at.width, at.height] = [width, height];
    at.getContext('2d')!.putImageData(new ImageData(rgba, width, height), 0, 0);
  }, [picture]);
  return <canvas ref={canvas} class="picture" role="img" aria-label={label} />;
}
