/** Independent judges of files, where they are installed: GDAL's programs and Python with GDAL, numpy and OpenCV. */
import { execFileSync } from 'node:child_process';

/** Standard output of a program. @throws where it fails. */
export const output = (program: string, ...parameters: string[]) =>
  execFileSync(program, parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

export function isInstalled(program: string): boolean {
  try {
    output(program, '--version');
    return true;
  } catch {
    return false;
  }
}

/** Python that has the modules: Debian's own may be another one than that of the path. */
export function pythonWith(...modules: string[]): string | undefined {
  return ['python3', '/usr/bin/python3'].find((python) => {
    try {
      output(python, '-c', `import ${modules.join(', ')}`);
      return true;
    } catch {
      return false;
    }
  });
}
