# Long work of doppel as an OGC EO Application Package (OGC 20-089r1): a plan, its shards side by side, the merged result.
#
#   cwltool deploy/doppel-batch.cwl#batch --data folder --manifest catalog.json --shards 1/2 --shards 2/2
#
# `data` is what a platform stages in: a folder with a STAC catalog (or another manifest) and the files that it names.
# `result` is what it stages out: a folder with a STAC catalog of the merged result.
cwlVersion: v1.2
$namespaces:
  s: https://schema.org/
s:softwareVersion: 0.1.0
s:license: https://spdx.org/licenses/Apache-2.0
s:author:
  - class: s:Organization
    s:name: doppel

$graph:
  - class: Workflow
    id: batch
    label: Scores or registrations of many SAR-optical pairs
    doc: Plans the items of a manifest, does them in shards, and merges the results with every item once.
    requirements:
      - class: ScatterFeatureRequirement
    inputs:
      kind:
        type: string
        default: score
        label: Kind of work
        doc: score for pairs of patches, register for pairs of scenes
      data:
        type: Directory
        label: Folder of the manifest and of its files
      manifest:
        type: string
        default: catalog.json
        label: Manifest in that folder
        doc: STAC catalog, collection or item collection; JSON lines or CSV with sar and optical
      shards:
        type: string[]
        default: [1/4, 2/4, 3/4, 4/4]
        label: Shards, each INDEX/COUNT
      model:
        type: File?
        label: Checkpoint of a matcher; the one in the box if none is given
      options:
        type: string[]
        default: []
        label: Further flags of doppel batch plan
    outputs:
      result:
        type: Directory
        label: Merged result with a STAC catalog
        outputSource: merge/result
      parts:
        type: Directory[]
        label: Results of the shards, such as aligned scenes
        outputSource: run/results
    steps:
      plan:
        run: '#plan'
        in: { kind: kind, data: data, manifest: manifest, model: model, options: options }
        out: [plan]
      run:
        run: '#run'
        scatter: shard
        in: { plan: plan/plan, data: data, shard: shards, model: model }
        out: [results]
      merge:
        run: '#merge'
        in: { plan: plan/plan, results: run/results }
        out: [result]

  - class: CommandLineTool
    id: plan
    label: Turns a manifest into a plan
    hints: &image
      - class: DockerRequirement
        dockerPull: doppel:0.1.0
      - class: NetworkAccess
        networkAccess: false
    requirements:
      - class: ResourceRequirement
        coresMin: 1
        ramMin: 1024
    baseCommand: [doppel, batch, plan]
    # Staged copies have new times of modification: sizes tell whether an input has changed.
    arguments:
      - { position: 2, valueFrom: $(inputs.data.path)/$(inputs.manifest) }
      - { position: 3, prefix: --out, valueFrom: plan }
      - { position: 3, prefix: --inputs, valueFrom: size }
    inputs:
      kind: { type: string, inputBinding: { position: 1 } }
      data: { type: Directory }
      manifest: { type: string }
      model: { type: File?, inputBinding: { position: 4, prefix: --model } }
      options: { type: 'string[]', inputBinding: { position: 5 } }
    outputs:
      plan: { type: Directory, outputBinding: { glob: plan } }
    permanentFailCodes: [1, 2]

  - class: CommandLineTool
    id: run
    label: Does the items of a shard
    hints: *image
    requirements:
      - class: ResourceRequirement
        coresMin: 1
        ramMin: 2048
    baseCommand: [doppel, batch, run]
    arguments:
      - { position: 3, prefix: --results, valueFrom: results }
    inputs:
      plan: { type: Directory, inputBinding: { position: 1 } }
      shard: { type: string, inputBinding: { position: 2, prefix: --shard } }
      data: { type: Directory, inputBinding: { position: 4, prefix: --data } }
      model: { type: File?, inputBinding: { position: 5, prefix: --model } }
    outputs:
      results: { type: Directory, outputBinding: { glob: results } }
    # Items that failed for good are part of the result, with their reason.
    successCodes: [0, 42]
    temporaryFailCodes: [75, 143]
    permanentFailCodes: [1, 2]

  - class: CommandLineTool
    id: merge
    label: Merges the results of all shards
    hints: *image
    requirements:
      - class: ResourceRequirement
        coresMin: 1
        ramMin: 1024
    baseCommand: [doppel, batch, merge]
    arguments:
      - { position: 3, prefix: --out, valueFrom: result }
      - { position: 4, valueFrom: --stac }
    inputs:
      plan: { type: Directory, inputBinding: { position: 1 } }
      results: { type: 'Directory[]', inputBinding: { position: 2, prefix: --results, itemSeparator: ',' } }
    outputs:
      result: { type: Directory, outputBinding: { glob: result } }
    successCodes: [0, 42]
    temporaryFailCodes: [75]
    permanentFailCodes: [1, 2]
