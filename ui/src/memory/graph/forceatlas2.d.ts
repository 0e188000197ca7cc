// One round of ForceAtlas2 over plain matrices, which the package has but does not describe.
declare module 'graphology-layout-forceatlas2/iterate.js' {
  export interface RoundSettings {
    linLogMode: boolean;
    outboundAttractionDistribution: boolean;
    adjustSizes: boolean;
    edgeWeightInfluence: number;
    scalingRatio: number;
    strongGravityMode: boolean;
    gravity: number;
    slowDown: number;
    barnesHutOptimize: boolean;
    barnesHutTheta: number;
  }

  export default function iterate(settings: RoundSettings, nodes: Float32Array, edges: Float32Array): unknown;
}
