#pragma once

/// Everything that training networks layer by layer needs; `report/` is apart, for programs that
/// print and plot.
#include "layerwise/data/blobs.h"
#include "layerwise/data/dataset.h"
#include "layerwise/data/mnist.h"
#include "layerwise/device.h"
#include "layerwise/nn/activation.h"
#include "layerwise/nn/chain.h"
#include "layerwise/nn/corruption.h"
#include "layerwise/nn/dense.h"
#include "layerwise/nn/greedy_net.h"
#include "layerwise/nn/initialisers.h"
#include "layerwise/nn/stacked_autoencoder.h"
#include "layerwise/pretraining/autoencoder_deepening.h"
#include "layerwise/pretraining/stacked_autoencoder.h"
#include "layerwise/pretraining/supervised_deepening.h"
#include "layerwise/random.h"
#include "layerwise/train/autograd_engine.h"
#include "layerwise/train/checkpoint.h"
#include "layerwise/train/evaluate.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/stage.h"
