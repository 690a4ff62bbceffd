// SPDX-License-Identifier: GPL-2.0-only
#include "bed.h"
#include "harness.h"
TEST(placeholder) { }
TEST_HARNESS_MAIN
