/**
 * A graph of ONNX operators in the making. What is computed twice from the same inputs is one node: an architecture may
 * name a tower several times.
 *
 * Operators and their attributes are those of opset 17 (https://onnx.ai/onnx/operators).
 */
import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from './onnx_pb.ts';

export const OPSET = 17;
/** Version of the format that opset 17 belongs to. */
const IR_VERSION = 8n;
const DATA_TYPE = { float: 1, int64: 7 } as const;
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** Size along an axis: a number, or undefined where it is known only when the graph runs. */
export type Size = number | undefined;

/** A tensor that flows through the graph. */
export interface Value {
  readonly name: string;
  readonly shape: readonly Size[];
}

/** A number is whole; one of floating point is `{ float: 0.2 }`. */
export type Attribute = number | string | readonly number[] | { float: number };

export interface NodeOptions {
  attributes?: Record<string, Attribute>;
  /** Name of the node, for people; default: the operator and a number. */
  name?: string;
}

/** A named input or output, with a name for each axis whose size is free. */
export interface Port {
  name: string;
  axes: readonly (number | string)[];
  /** Says what it holds, for people. */
  description: string;
}

export class OnnxGraph {
  private readonly nodes: NodeProto[] = [];
  private readonly initialisers = new Map<string, TensorProto>();
  private readonly known = new Map<string, string>();
  private readonly inputs: Port[] = [];
  private readonly outputs: Port[] = [];

  /** Adds an input of float32. */
  input(port: Port): Value {
    this.inputs.push(port);
    return { name: port.name, shape: port.axes.map((axis) => (typeof axis === 'number' ? axis : undefined)) };
  }

  /** Makes a value an output under the port's name. */
  output(port: Port, value: Value): void {
    this.nodes.push(nodeOf('Identity', [value.name], port.name, { name: port.name }));
    this.outputs.push(port);
  }

  /** The result of an operator with one output. @param inputs '' for one that is left out. */
  node(operator: string, inputs: readonly (Value | '')[], shape: readonly Size[], options: NodeOptions = {}): Value {
    const names = inputs.map((input) => (input === '' ? '' : input.name));
    const key = JSON.stringify([operator, names, options.attributes]);
    const name = this.known.get(key) ?? `${options.name ?? operator}_${this.nodes.length}`;
    if (!this.known.has(key)) this.nodes.push(nodeOf(operator, names, name, { name, ...options }));
    this.known.set(key, name);
    return { name, shape };
  }

  /** A tensor of weights, once for each name. */
  weights(name: string, data: Float32Array, shape: readonly number[]): Value {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (!this.initialisers.has(name)) this.initialisers.set(name, tensorOf(name, DATA_TYPE.float, bytes, shape));
    return { name, shape };
  }

  scalar(value: number): Value {
    return this.constant(DATA_TYPE.float, new Uint8Array(Float32Array.of(value).buffer), []);
  }

  /** A list of whole numbers: axes, sizes, pads. */
  integers(values: readonly number[]): Value {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.constant(DATA_TYPE.int64, bytes, [values.length]);
  }

  private constant(dataType: number, bytes: Uint8Array, shape: readonly number[]): Value {
    const key = JSON.stringify([dataType, shape, [...bytes]]);
    const name = this.known.get(key) ?? `constant_${this.known.size}`;
    this.known.set(key, name);
    if (!this.initialisers.has(name)) this.initialisers.set(name, tensorOf(name, dataType, bytes, shape));
    return { name, shape };
  }

  /** Bytes of the model's file. */
  bytes(facts: { name: string; description: string; version: string; metadata: Record<string, string> }): Uint8Array {
    const model = create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      opsetImport: [{ domain: '', version: BigInt(OPSET) }],
      producerName: 'doppel',
      producerVersion: facts.version,
      docString: facts.description,
      metadataProps: Object.entries(facts.metadata).map(([key, value]) => ({ key, value })),
      graph: {
        name: facts.name,
        node: this.nodes,
        initializer: [...this.initialisers.values()],
        input: this.inputs.map(valueInfo),
        output: this.outputs.map(valueInfo),
      },
    });
    return toBinary(ModelProtoSchema, model);
  }
}

function nodeOf(operator: string, inputs: string[], output: string, { name, attributes = {} }: NodeOptions): NodeProto {
  return create(NodeProtoSchema, {
    opType: operator,
    name: name ?? output,
    input: inputs,
    output: [output],
    attribute: Object.entries(attributes).map(([key, value]) => attributeOf(key, value)),
  });
}

const tensorOf = (name: string, dataType: number, rawData: Uint8Array, shape: readonly number[]): TensorProto =>
  create(TensorProtoSchema, { name, dataType, rawData: new Uint8Array(rawData), dims: shape.map(BigInt) });

function attributeOf(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: ATTRIBUTE_TYPE.int, i: BigInt(value) });
  }
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, { name, type: ATTRIBUTE_TYPE.string, s: new TextEncoder().encode(value) });
  }
  if ('float' in value) return create(AttributeProtoSchema, { name, type: ATTRIBUTE_TYPE.float, f: value.float });
  return create(AttributeProtoSchema, { name, type: ATTRIBUTE_TYPE.ints, ints: value.map(BigInt) });
}

const valueInfo = ({ name, axes, description }: Port) =>
  create(ValueInfoProtoSchema, {
    ...{ name, docString: description },
    type: {
      value: { case: 'tensorType', value: { elemType: DATA_TYPE.float, shape: { dim: axes.map(dimensionOf) } } },
    },
  });

const dimensionOf = (axis: number | string) =>
  typeof axis === 'number'
    ? { value: { case: 'dimValue' as const, value: BigInt(axis) } }
    : { value: { case: 'dimParam' as const, value: axis } };
