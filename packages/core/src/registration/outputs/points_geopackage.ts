/**
 * Tie points as a GeoPackage 1.3 in the registration's own reference system: a layer of points, and one of arrows from
 * where the optical file puts a place to where the SAR file does. SQLite is loaded when the first one is written.
 */
import { wktOf } from '../../geo/write_wkt.ts';
import type { GroundPosition, Registration, TiePoint } from '../registration.ts';
import { cellOf, POINT_COLUMNS } from './point_columns.ts';

type Scene = Pick<Registration, 'points' | 'grid'>;
type SqlModule = typeof import('sql.js/dist/sql-asm-memory-growth.js');
type Database = InstanceType<Awaited<ReturnType<SqlModule['default']>>['Database']>;

/** "GPKG" and version 1.3. */
const [APPLICATION, VERSION] = [0x47504b47, 10300];
/** Number of a system without an EPSG code. */
const OWN_SYSTEM = 100_000;

/** @param now time of the last change, ISO 8601. */
export async function pointsGeopackage(scene: Scene, now: string): Promise<Uint8Array> {
  const { default: initSqlJs } = await import('sql.js/dist/sql-asm-memory-growth.js');
  const { Database } = await initSqlJs();
  const database = new Database();
  try {
    database.run(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${VERSION}; BEGIN;`);
    database.run(TABLES);
    const system = writeSystems(database, scene.grid.crs);
    const points = scene.points.map((point) => ({ point, path: [point.sarGround] }));
    const arrows = scene.points.flatMap((point) =>
      point.opticalGround ? [{ point, path: [point.opticalGround, point.sarGround] }] : [],
    );
    writeLayer(database, { name: 'tie_points', geometry: 'POINT', features: points }, system, now);
    writeLayer(database, { name: 'offsets', geometry: 'LINESTRING', features: arrows }, system, now);
    database.run('COMMIT;');
    return database.export();
  } finally {
    database.close();
  }
}

const TABLES = `
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME NOT NULL, min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE,
  srs_id INTEGER, CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));`;

/** Writes the systems that every GeoPackage names, and the registration's own. @returns number of the latter. */
function writeSystems(database: Database, crs: string): number {
  const insert = 'INSERT OR IGNORE INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, NULL)';
  database.run(insert, ['Undefined Cartesian SRS', -1, 'NONE', -1, 'undefined']);
  database.run(insert, ['Undefined geographic SRS', 0, 'NONE', 0, 'undefined']);
  database.run(insert, ['WGS 84 geodetic', 4326, 'EPSG', 4326, wktOf('EPSG:4326')]);
  const code = /^EPSG:(\d+)$/i.exec(crs)?.[1];
  const number = code === undefined ? OWN_SYSTEM : Number(code);
  const [organization, id] = code === undefined ? ['NONE', OWN_SYSTEM] : ['EPSG', number];
  database.run(insert, [crs.slice(0, 80), number, organization, id, wktOf(crs)]);
  return number;
}

interface Layer {
  name: string;
  geometry: 'POINT' | 'LINESTRING';
  features: readonly { point: TiePoint; path: readonly GroundPosition[] }[];
}

const SQL_TYPES = { integer: 'INTEGER', real: 'DOUBLE', text: 'TEXT', boolean: 'BOOLEAN' } as const;

function writeLayer(database: Database, { name, geometry, features }: Layer, system: number, now: string): void {
  const [, ...columns] = POINT_COLUMNS; // the first one, id, is the primary key
  const typed = columns.map((column) => `${column.name} ${SQL_TYPES[column.type]}`).join(', ');
  database.run(`CREATE TABLE ${name} (id INTEGER PRIMARY KEY NOT NULL, geom ${geometry}, ${typed})`);
  database.run("INSERT INTO gpkg_contents VALUES (?, 'features', ?, '', ?, ?, ?, ?, ?, ?)", [
    ...[name, name, now],
    ...boxOf(features.flatMap(({ path }) => path)),
    system,
  ]);
  database.run("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, ?, 0, 0)", [name, geometry, system]);
  const insert = database.prepare(`INSERT INTO ${name} VALUES (?, ?, ${columns.map(() => '?').join(', ')})`);
  for (const { point, path } of features) {
    const values = columns.map((column) => cellOf(column, point));
    insert.run([
      point.id,
      encodeGeometry(path, system),
      ...values.map((each) => (typeof each === 'boolean' ? Number(each) : each)),
    ]);
  }
  insert.free();
}

function boxOf(path: readonly GroundPosition[]): (number | null)[] {
  if (path.length === 0) return [null, null, null, null];
  const [xs, ys] = [path.map(([x]) => x), path.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** GeoPackage's header without envelope, little endian, and WKB of a point or a line. */
function encodeGeometry(path: readonly GroundPosition[], system: number): Uint8Array {
  const isPoint = path.length === 1;
  const view = new DataView(new ArrayBuffer(8 + 5 + (isPoint ? 0 : 4) + path.length * 16));
  view.setUint16(0, 0x4750);
  view.setUint8(3, 1);
  view.setInt32(4, system, true);
  view.setUint8(8, 1);
  view.setUint32(9, isPoint ? 1 : 2, true);
  if (!isPoint) view.setUint32(13, path.length, true);
  for (const [i, [x, y]] of path.entries()) {
    const at = (isPoint ? 13 : 17) + i * 16;
    view.setFloat64(at, x, true);
    view.setFloat64(at + 8, y, true);
  }
  return new Uint8Array(view.buffer);
}
